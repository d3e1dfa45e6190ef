#pragma once
// All of the file layer: mapped files, safetensors.

#include <tenon/io/mapped_file.hpp>
#include <tenon/io/safetensors.hpp>
#include <tenon/io/stored_tensor.hpp>
