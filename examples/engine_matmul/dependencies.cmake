set(example_libraries tenon::engine)
