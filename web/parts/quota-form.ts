import { quotaTexts as t } from '../texts/quota.ts';

/* A request quota, as somebody types it: of a key set, and of a CloudKey. */

export interface QuotaForm {
  /** Requests a second; empty for none. */
  quota: string;
  /** Empty for as many as in a second. */
  burst: string;
}

type Quota = { requestsPerSecond: number; burst: number } | null;

export function quotaForm(quota: Quota): QuotaForm {
  if (quota === null) return { quota: '', burst: '' };
  const { requestsPerSecond, burst } = quota;
  return { quota: String(requestsPerSecond), burst: burst === requestsPerSecond ? '' : String(burst) };
}

export function quotaBody({ quota, burst }: QuotaForm) {
  if (quota === '') return null;
  return { requestsPerSecond: Number(quota), ...(burst === '' ? {} : { burst: Number(burst) }) };
}

/** As the command line takes it; empty for none. */
export function quotaWord({ quota, burst }: QuotaForm): string {
  return quota === '' || burst === '' ? quota : `${quota}/${burst}`;
}

/** For people; undefined for none. */
export function quotaText(form: QuotaForm): string | undefined {
  const { quota, burst } = form;
  return quota === '' ? undefined : t.of(Number(quota), Number(burst === '' ? quota : burst));
}
