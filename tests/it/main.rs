//! The product as its users meet it: the real binary, a real API server, an AWS emulator behind a counting proxy.

mod adopt;
mod brake;
mod chaos;
mod command_line;
mod critical_path;
mod data;
mod does_not_stay;
mod drift;
mod duplicates;
mod environment;
mod errors;
mod generated;
mod guardrails;
mod manifests;
mod pause;
mod permissions;
mod posture;
mod project;
mod reach;
mod replicas;
mod soak;
mod start_script;
mod tamper;
mod world;
