import type { TokenWords } from '../remediations.ts';
import type { TokenInfo } from '../token-info.ts';

/**
 * Which member of a token has which HSM, by serial number. One HSM by two names is no redundancy; and of two HSMs of one serial
 * number nobody could tell which of them has a key, or which was asked to destroy one.
 */
export class HsmClaims {
  /** By the member's title. */
  readonly #serials = new Map<string, { token: string; serial: string }>();

  /** Why the member may not have it; undefined where it has it from now on. */
  refuse(
    { token, title }: { token: string; title: string },
    { serial }: Pick<TokenInfo, 'serial'>,
  ): TokenWords | undefined {
    const other = [...this.#serials].find(
      ([name, one]) => name !== title && one.token === token && one.serial === serial,
    );
    if (other === undefined) {
      this.#serials.set(title, { token, serial });
      return undefined;
    }
    return {
      problem: `its serial number ${serial} is that of member ${other[0]} too: it is the same HSM by two names, or cannot be told from it`,
      remediation:
        'name each HSM once; two HSMs whose module gives both the same serial number can be no HSM group',
    };
  }
}
