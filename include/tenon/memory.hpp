#pragma once
// All of the memory layer.

#include <tenon/memory/arena.hpp>
#include <tenon/memory/budget.hpp>
#include <tenon/memory/buffer_life.hpp>
#include <tenon/memory/buffer_pool.hpp>
#include <tenon/memory/call_stack.hpp>
#include <tenon/memory/debug_allocator.hpp>
#include <tenon/memory/dual_arena.hpp>
#include <tenon/memory/event_log.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/learn_size_classes.hpp>
#include <tenon/memory/library.hpp>
#include <tenon/memory/memory_pool.hpp>
#include <tenon/memory/memory_report.hpp>
#include <tenon/memory/numa.hpp>
#include <tenon/memory/page_cache.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/pool_allocator.hpp>
#include <tenon/memory/pooled.hpp>
#include <tenon/memory/resource.hpp>
#include <tenon/memory/size_classes.hpp>
#include <tenon/memory/stack_fallback_allocator.hpp>
#include <tenon/memory/timeline.hpp>
#include <tenon/memory/timeline_svg.hpp>
#include <tenon/memory/tracking_allocator.hpp>
