#pragma once
// All of the expression library: tensors, expressions, plans, evaluation and memory resources.

#include <tenon/core/config.hpp>
#include <tenon/core/version.hpp>

#include <tenon/memory/arena.hpp>
#include <tenon/memory/buffer_pool.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <tenon/tensor/compare.hpp>
#include <tenon/tensor/factories.hpp>
#include <tenon/tensor/print.hpp>
#include <tenon/tensor/static_tensor.hpp>
#include <tenon/tensor/tensor.hpp>
#include <tenon/tensor/view.hpp>

#include <tenon/expr/contraction.hpp>
#include <tenon/expr/join.hpp>
#include <tenon/expr/let.hpp>
#include <tenon/expr/operators.hpp>
#include <tenon/expr/pooling.hpp>
#include <tenon/expr/reductions.hpp>
#include <tenon/expr/share.hpp>
#include <tenon/expr/tie.hpp>
#include <tenon/expr/views.hpp>
#include <tenon/expr/windows.hpp>

#include <tenon/plan/explain.hpp>
#include <tenon/plan/plan.hpp>

#include <tenon/eval/eval.hpp>
#include <tenon/eval/explain_group.hpp>
#include <tenon/eval/prepare.hpp>
#include <tenon/eval/prepare_group.hpp>
#include <tenon/eval/reserve.hpp>
#include <tenon/eval/several.hpp>
