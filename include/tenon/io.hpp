#pragma once
// All of the file layer: mapped files, safetensors, npy and npz.

#include <tenon/io/mapped_file.hpp>
#include <tenon/io/npy.hpp>
#include <tenon/io/npz.hpp>
#include <tenon/io/safetensors.hpp>
#include <tenon/io/stored_tensor.hpp>
