//! From bytes to objects: documents, structure, meaning.

mod document;
mod files;
mod shape;
mod tree;

pub use files::{FileObjects, Loaded, assemble, load, read_file};
pub(crate) use shape::shape_of;
