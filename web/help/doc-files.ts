/** The pages of docs/ as they are built in, each loaded when it is opened: the node serves them itself. */
const files = import.meta.glob<string>('../../docs/*.md', { query: '?raw', import: 'default' });

/** Undefined where there is no page of this name. */
export async function docText(name: string): Promise<string | undefined> {
  return files[`../../docs/${name}.md`]?.();
}
