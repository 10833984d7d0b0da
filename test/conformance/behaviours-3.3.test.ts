import { describeBehaviours } from './behaviours.js';

describeBehaviours('3.3');
