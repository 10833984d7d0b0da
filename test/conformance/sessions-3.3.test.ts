import { describeSessions } from './sessions.js';

describeSessions('3.3', 450);
