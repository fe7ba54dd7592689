import FormField from '@cloudscape-design/components/form-field';
import FileInput from '@cloudscape-design/components/file-input';
import FileTokenGroup from '@cloudscape-design/components/file-token-group';
import SpaceBetween from '@cloudscape-design/components/space-between';

interface Props {
  label: string;
  description?: string;
  chooseLabel: string;
  removeLabel: string;
  file: File | undefined;
  onFile: (file: File | undefined) => void;
  error?: string | undefined;
  isLoading?: boolean;
  /** Ends of names, such as `.json`. */
  accept?: string;
}

/** One file, which is read here and goes nowhere by itself. */
export function FileField(props: Props) {
  const { label, description, chooseLabel, removeLabel, file, onFile, error, isLoading, accept } = props;
  return (
    <FormField label={label} description={description} errorText={error}>
      <SpaceBetween size="xs">
        {/* The one that has the focus is not seen; the button beside it, which is, has none. */}
        <div className="file-field">
          <FileInput
            value={file === undefined ? [] : [file]}
            onChange={({ detail }) => onFile(detail.value[0])}
            {...(accept === undefined ? {} : { accept })}
          >
            {chooseLabel}
          </FileInput>
        </div>
        {file !== undefined && (
          <FileTokenGroup
            items={[{ file, loading: isLoading === true }]}
            showFileSize
            onDismiss={() => onFile(undefined)}
            i18nStrings={{ removeFileAriaLabel: () => removeLabel }}
          />
        )}
      </SpaceBetween>
    </FormField>
  );
}
