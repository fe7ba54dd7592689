import { Secret } from '../secret.ts';

/** Asks on the terminal without echo. Throws where there is no terminal: a PIN is never read from a pipe by accident. */
export async function askSecret(question: string): Promise<Secret> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY)
    throw new Error(
      'a PIN is to be asked for, but there is no terminal; use token.pin = { file = … } or { credential = … }',
    );
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let text = '';
    const end = () => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.removeListener('data', onData);
      stderr.write('\n');
    };
    const onData = (chunk: string) => {
      for (const character of chunk) {
        if (character === '\r' || character === '\n') {
          end();
          resolve(new Secret(text));
          return;
        }
        if (character === '\u0003') {
          end();
          reject(new Error('interrupted'));
          return;
        }
        text = character === '\u007f' ? text.slice(0, -1) : text + character;
      }
    };
    stdin.on('data', onData);
  });
}
