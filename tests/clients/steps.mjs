// What the Node scripts share: one printed line per step, and a status that tells whether all of them held.
import { createRequire } from "node:module";

/** Loads a package from the folder that the runner names. */
export const load = createRequire(`${process.env.PACKAGES}/`);

/** Runs `body`, prints `ok` or `FAIL` and the sentence, gives back what it gave. A failure does not end the script. */
export async function step(sentence, body) {
  try {
    const result = await body();
    console.log(`  ok    ${sentence}`);
    return result;
  } catch (error) {
    process.exitCode = 1;
    const told = `${error.name}: ${error.message}`.replaceAll("\n", "\n          ");
    console.log(`  FAIL  ${sentence}\n          ${told}`);
    return undefined;
  }
}

/** The error that `promise` must be rejected with. */
export async function refused(promise) {
  let got;
  try {
    got = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`not refused, but ${JSON.stringify(got)}`);
}
