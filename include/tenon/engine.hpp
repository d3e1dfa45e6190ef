#pragma once
// All of the engine: operators by name, tensors whose type is known at run time, memory that is counted.

#include <tenon/engine/any_tensor.hpp>
#include <tenon/engine/any_view.hpp>
#include <tenon/engine/attributes.hpp>
#include <tenon/engine/elementwise.hpp>
#include <tenon/engine/execution_context.hpp>
#include <tenon/engine/graph.hpp>
#include <tenon/engine/inference_engine.hpp>
#include <tenon/engine/memory_tracker.hpp>
#include <tenon/engine/model.hpp>
#include <tenon/engine/operator.hpp>
#include <tenon/engine/operator_registry.hpp>
#include <tenon/engine/session.hpp>
#include <tenon/engine/tensor_pool.hpp>
#include <tenon/engine/tensor_type.hpp>
