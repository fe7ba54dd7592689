import FormField from '@cloudscape-design/components/form-field';
import FileInput from '@cloudscape-design/components/file-input';
import FileTokenGroup from '@cloudscape-design/components/file-token-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { parts } from '../texts/parts.ts';

const t = parts.files;

interface Props {
  label: string;
  description?: string;
  files: readonly File[];
  onFiles: (files: readonly File[]) => void;
  /** More than one. */
  multiple?: boolean;
  error?: string | undefined;
  isLoading?: boolean;
  /** Ends of names, such as `.json`. */
  accept?: string;
}

/** Files that are read here and go nowhere by themselves. */
export function FileField(props: Props) {
  const { label, description, files, onFiles, multiple, error, isLoading, accept } = props;
  return (
    <FormField label={label} description={description} errorText={error}>
      <SpaceBetween size="xs">
        {/* The one that has the focus is not seen; the button beside it, which is, has none. */}
        <div className="file-field">
          <FileInput
            value={[...files]}
            multiple={multiple === true}
            onChange={({ detail }) =>
              // What was chosen before stays where there may be several.
              onFiles(multiple === true ? [...files, ...detail.value] : detail.value)
            }
            {...(accept === undefined ? {} : { accept })}
          >
            {multiple === true ? t.chooseSeveral : t.choose}
          </FileInput>
        </div>
        {files.length > 0 && (
          <FileTokenGroup
            items={files.map((file) => ({ file, loading: isLoading === true }))}
            showFileSize
            limit={5}
            onDismiss={({ detail }) => onFiles(files.filter((_, at) => at !== detail.fileIndex))}
            i18nStrings={{
              removeFileAriaLabel: (_, name) => t.remove(name),
              limitShowFewer: t.fewer,
              limitShowMore: t.more,
            }}
          />
        )}
      </SpaceBetween>
    </FormField>
  );
}
