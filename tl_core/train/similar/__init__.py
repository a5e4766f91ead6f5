"""Similar items of a dataset, by example or by words, on kept features of a frozen backbone."""
