import test from 'ava';
import { csvOf } from '../../web/parts/csv.ts';

test('a list as CSV keeps commas, quotes and lines, and no spreadsheet computes with what somebody has named', (t) => {
  t.is(
    csvOf(
      ['Name', 'Description'],
      [
        ['payroll', 'of HR, "all" of it\nsince 2026'],
        ['=HYPERLINK("https://example.com")', '-1'],
        ['x;=1+1', 'a; b'],
      ],
    ),
    'Name,Description\r\n' +
      'payroll,"of HR, ""all"" of it\nsince 2026"\r\n' +
      `"'=HYPERLINK(""https://example.com"")",'-1\r\n` +
      `"x;'=1+1","a; b"\r\n`,
  );
});
