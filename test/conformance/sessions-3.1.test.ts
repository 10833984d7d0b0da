import { describeSessions } from './sessions.js';

describeSessions('3.1', 450);
