// Everything a lesson may use.
#pragma once

#include <gradus/attention.h>
#include <gradus/check_gradients.h>
#include <gradus/dropout.h>
#include <gradus/elementwise.h>
#include <gradus/embedding.h>
#include <gradus/hooks.h>
#include <gradus/layers.h>
#include <gradus/loss.h>
#include <gradus/mask.h>
#include <gradus/matmul.h>
#include <gradus/normalize.h>
#include <gradus/operation.h>
#include <gradus/optimizer.h>
#include <gradus/pooling.h>
#include <gradus/random.h>
#include <gradus/reduce.h>
#include <gradus/shaping.h>
#include <gradus/softmax.h>
#include <gradus/tensor.h>
#include <gradus/threads.h>
#include <gradus/transformer.h>
