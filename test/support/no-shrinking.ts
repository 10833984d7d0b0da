import fc from 'fast-check';

// For mutation tests, which ask whether a property fails and not how small a case makes it fail.
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
