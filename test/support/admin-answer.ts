/** What the management API answered. */
export interface AdminAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  etag: string | undefined;
  // The tests look into it field by field.
  // oxlint-disable-next-line typescript/no-explicit-any -- parsed JSON of unknown shape
  body: any;
  text: string;
}
