//! Tables of the transforms.
