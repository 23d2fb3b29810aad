/** A module as users have it: it calls `initialize`, which here reads the environment. */
import { initialize } from '../../../src/index.js';

initialize();
