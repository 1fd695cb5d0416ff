// Everything a lesson may use.
#pragma once

#include <gradus/baseline.h>
#include <gradus/batches.h>
#include <gradus/bleu.h>
#include <gradus/byte_pairs.h>
#include <gradus/cache.h>
#include <gradus/check_gradients.h>
#include <gradus/check_training.h>
#include <gradus/files.h>
#include <gradus/fit.h>
#include <gradus/hooks.h>
#include <gradus/layers.h>
#include <gradus/mask.h>
#include <gradus/operation.h>
#include <gradus/operations.h>
#include <gradus/optimizer.h>
#include <gradus/picture.h>
#include <gradus/progress.h>
#include <gradus/random.h>
#include <gradus/reviews.h>
#include <gradus/safetensors.h>
#include <gradus/setting.h>
#include <gradus/tensor.h>
#include <gradus/text.h>
#include <gradus/threads.h>
#include <gradus/trace.h>
#include <gradus/transformer.h>
#include <gradus/watcher.h>
#include <gradus/writing.h>

namespace gradus {

inline const bool watched_if_asked = watch_if_asked() && record_if_asked();

}  // namespace gradus
