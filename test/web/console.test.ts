import test from 'ava';
import { testAsShown } from './as-shown.ts';
import { testAuditor } from './auditor.ts';
import { testFrontDoor, testWalls } from './front-door.ts';
import { testGuide } from './guide.ts';
import { testLinks } from './links.ts';
import { testManual } from './manual.ts';
import { testMeanwhile } from './meanwhile.ts';
import { testPages } from './pages.ts';
import { testPlaces } from './places.ts';
import { testRequests } from './requests.ts';
import { testSigningIn } from './sign-in.ts';
import { ConsoleStage } from './stage.ts';
import { testStops } from './stops.ts';
import { testUnwatched } from './unwatched.ts';
import { testUpkeep } from './upkeep.ts';
import { testWaiting } from './waiting.ts';

/*
 * The console in Debian's Chromium, from a node as set-up has built it. One test goes on where the one before it ended.
 */

let stage: ConsoleStage | undefined;
const open = () => {
  if (stage === undefined) throw new Error('the stage is not open');
  return stage;
};

test.before(async () => {
  stage = await ConsoleStage.open();
});
test.after.always(async () => stage?.close());
test.afterEach.always(async (t) => {
  if (!t.passed) await stage?.browser.pictureAll(`FAILED ${t.title.slice(0, 60)}`);
});

testPlaces();
testFrontDoor(open);
testGuide(open);
testWalls(open);
testRequests(open);
testAuditor(open);
testUnwatched(open);
testMeanwhile(open);
testWaiting(open);
testLinks(open);
testManual(open);
testStops(open);
testUpkeep(open);
testAsShown(open);
testSigningIn(open);
testPages(open);
