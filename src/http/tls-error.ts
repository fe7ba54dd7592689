/** The certificate, key or CA cannot be used; the text is for the operator and quotes no file content. */
export class TlsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TlsError';
  }
}
