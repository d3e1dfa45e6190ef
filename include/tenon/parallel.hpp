#pragma once
// Evaluation on several threads: eval, eval_into and prepare with an executor, and a team of threads.
// <tenon/tenon.hpp> has neither, so that who has one thread pays for one.

#include <tenon/core/thread_team.hpp>

#include <tenon/eval/parallel.hpp>
