/*
 * The tests of the protocol and of HTTP that share one node: starting it, and a process for each of them, would take
 * longer than they do. Those that change what all share are serial. To run some of them: `ava test/xks/served.test.ts
 * --match='Encrypt*'`.
 */
import './adopted-key.ts';
import './decrypt.ts';
import './encrypt.ts';
import './fields.ts';
import './order-of-checks.ts';
import './states.ts';
import './usages.ts';
import '../http/http1.ts';
import '../http/http2.ts';
import '../http/paths.ts';
import '../http/smuggling.ts';
