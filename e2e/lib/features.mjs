// What Gannet does not do yet. A test that needs one of these is skipped there, with this reason, and runs against
// the reference. A feature that lands is struck from this list in the same change.

import { reference } from './launch.mjs';

const later = new Set([]);

// needs returns the options of a test that depends on a feature.
export function needs(feature) {
  return { skip: !reference && later.has(feature) ? `${feature}: not in Gannet yet` : false };
}
