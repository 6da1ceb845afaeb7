//! secureml
fn main() {}
