"""CloudTrail's LookupEvents: the calls the emulator has answered."""
