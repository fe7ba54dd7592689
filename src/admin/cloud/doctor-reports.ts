import { z } from 'zod';
import { getDoctorReport, putDoctorReport } from '../../cloud/key-stores/doctor-reports.ts';
import { time } from '../keys/key-forms.ts';
import { route, type Route } from '../route.ts';
import { keySetOf, one, path, read, tag, write } from './external-key-store-routes.ts';

/** No control characters and no bidirectional marks: a terminal that shows it would obey them. */
const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Zl}\p{Zp}]*$/u, {
      error: 'must have no control characters and no bidirectional marks',
    });

const finding = z
  .strictObject({
    id: z
      .string()
      .max(60)
      .regex(/^[a-z]+\.[a-z0-9-]+$/)
      .describe('The check, such as `certificate.chain`; the first word is its group.'),
    level: z.enum(['OK', 'WARNING', 'PROBLEM', 'SKIPPED']),
    title: text(120),
    subject: text(200)
      .nullable()
      .describe('The external key id, token or file that it is about, if there are several.'),
    seen: text(1000).describe('What was found.'),
    why: text(600).describe('Why it matters.'),
    remediation: text(1000).nullable().describe('What to do; null if nothing has to be done.'),
  })
  .meta({ id: 'DoctorFinding' });

const reported = {
  hostname: text(253).describe('Machine on which the doctor ran, as it says.'),
  endpoint: text(300).describe('What it looked at, such as `https://xks.example.com:443`.'),
  findings: z.array(finding).max(100),
};

const shown = z
  .strictObject({
    report: z
      .strictObject({ at: time, by: z.string().describe('Who handed it in.'), ...reported })
      .nullable()
      .describe('The last one; null if there is none.'),
  })
  .meta({ id: 'DoctorReport' });

const reportPath = `${path}/{externalKeyStoreId}/doctor-report`;

export const doctorReportRoutes: readonly Route[] = [
  route({
    operation: 'getDoctorReport',
    method: 'GET',
    path: reportPath,
    tag,
    summary: 'Show what the doctor found last of an external key store',
    access: read,
    params: one,
    answer: shown,
    handle: async (call) => {
      const on = { keySet: await keySetOf(call), id: call.params.externalKeyStoreId };
      return { body: { report: shownReport(await getDoctorReport(call.services, on)) } };
    },
  }),
  route({
    operation: 'putDoctorReport',
    method: 'PUT',
    path: reportPath,
    tag,
    summary: 'Hand in what the doctor found of an external key store',
    description:
      '`holdfast doctor --external-key-store` runs the checks from where it is run, and hands them in. The node makes none of ' +
      'these connections itself: whoever may name an endpoint would have it connect anywhere.',
    access: write,
    params: one,
    body: z.strictObject(reported),
    answer: shown,
    handle: async (call) => {
      const on = { keySet: await keySetOf(call), id: call.params.externalKeyStoreId };
      return { body: { report: shownReport(await putDoctorReport(call.services, call.act, on, call.body)) } };
    },
  }),
];

type Report = NonNullable<z.infer<typeof shown>['report']>;

function shownReport(report: Awaited<ReturnType<typeof getDoctorReport>>): Report | null {
  return report === null ? null : { ...report, findings: [...report.findings] };
}
