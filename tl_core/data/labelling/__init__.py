"""What is kept beside a version of a labelling that is going on."""
