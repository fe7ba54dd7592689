/*
 * Files that start nothing, keep nothing and change nothing of their process: in a whole run AVA starts one process for all of them, since
 * a process for each would take longer than what most of them do (ava.config.js). Alone each runs as any other does. No two of their
 * tests have one title.
 */
import './admin/answer-types.test.ts';
import './admin/reference.test.ts';
import './cli/article.test.ts';
import './cli/doctor-key-store.test.ts';
import './cli/external-key-store-waiting.test.ts';
import './cli/freeze-sentences.test.ts';
import './cli/kms-key-diff.test.ts';
import './cli/kms-key-waiting.test.ts';
import './cli/said.test.ts';
import './cli/text-table.test.ts';
import './cli/values.test.ts';
import './cloud/key-stores.test.ts';
import './cloud/kms-key-memory.test.ts';
import './cloud/kms-key-policy.test.ts';
import './cloud/kms-messages.test.ts';
import './cloud/permissions.test.ts';
import './docs/words.test.ts';
import './identity/forms.test.ts';
import './identity/sign-in-states.test.ts';
import './json-names.test.ts';
import './lease/snapshot-lease.test.ts';
import './metrics/counts.test.ts';
import './reconcile/late-tokens.test.ts';
import './serving/quota-ledger.test.ts';
import './sigv4/authorization.test.ts';
import './sigv4/every-byte.test.ts';
import './sigv4/request-time.test.ts';
import './sigv4/signers.test.ts';
import './sigv4/verify.test.ts';
import './token/aad.test.ts';
import './token/frames.test.ts';
import './token/login-gate.test.ts';
import './token/waiting-room.test.ts';
import './vault/aws-names.test.ts';
import './vault/remembered.test.ts';
import './xks/base64.test.ts';
import './xks/cdiv.test.ts';
import './xks/errors.test.ts';
