//! Real parts on loopback for tests, demo and benchmark.
