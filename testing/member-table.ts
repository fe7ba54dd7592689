/** A member of the last token of a configuration; its label and PIN are the token's. */
export function memberTable({
  name,
  module,
  environment,
  settings = {},
}: {
  name: string;
  module: string;
  environment: object;
  settings?: Readonly<Record<string, string>>;
}): string {
  const variables = Object.entries(environment).map(
    ([variable, value]) => `${variable} = "${String(value)}"`,
  );
  const more = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  return `\n[[token.member]]\nname = "${name}"\nmodule = "${module}"\nenvironment = { ${variables.join(', ')} }\n${more.join('')}`;
}
