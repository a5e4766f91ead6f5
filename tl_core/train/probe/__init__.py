"""The linear probe: folds, the fit, its penalty, and priors from words."""
