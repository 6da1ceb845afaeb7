//! secureml
