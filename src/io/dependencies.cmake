# Packages of tenon::io; none of them reaches a user's compiler. nlohmann-json is headers alone.
target_include_directories(tenon_io SYSTEM PRIVATE ${TENON_NLOHMANN_JSON_INCLUDE_DIR})
