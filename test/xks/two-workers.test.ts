/* The tests that share one whole node with two workers, one after another: see served.test.ts. */
import './key-sets.ts';
import './quotas.ts';
import '../http/request-log.ts';
