import ButtonDropdown, { type ButtonDropdownProps } from '@cloudscape-design/components/button-dropdown';
import { parts } from '../texts/parts.ts';

/** The last column of a list: what can be done with each of it; nothing where there is nothing. */
export function actsColumn<T, Act extends string>({
  nameOf,
  actsOf,
  onAct,
  width,
}: {
  nameOf: (item: T) => string;
  actsOf: (item: T) => readonly (ButtonDropdownProps.Item & { id: Act })[];
  onAct: (act: Act, item: T) => void;
  /** In pixels. */
  width?: number;
}) {
  return {
    id: 'acts',
    header: parts.actions,
    ...(width === undefined ? {} : { width }),
    cell: (item: T) => {
      const acts = actsOf(item);
      return (
        acts.length > 0 && (
          <ButtonDropdown
            variant="inline-icon"
            ariaLabel={`${parts.actions}: ${nameOf(item)}`}
            items={acts}
            onItemClick={({ detail }) => onAct(detail.id as Act, item)}
            expandToViewport
          />
        )
      );
    },
  };
}
