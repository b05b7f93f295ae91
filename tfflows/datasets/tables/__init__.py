"""Tables: files of a user, small data sets of scikit-learn, the published benchmarks."""
