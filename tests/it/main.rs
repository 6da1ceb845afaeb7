//! The product as its users meet it: the real binary, a real API server, an AWS emulator behind a counting proxy.

mod command_line;
mod generated;
mod manifests;
mod project;
mod tamper;
mod world;
