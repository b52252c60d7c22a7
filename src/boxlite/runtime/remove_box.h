// Taking a box out of a home: used by rm, and by the shim of a box made with --rm.
#pragma once

#include "boxlite/base/result.h"
#include "boxlite/runtime/home.h"

namespace boxlite {

// Renames the box into .trash, frees every name of it, deletes it. Nothing of the box may live, or
// only the caller (a shim that ends). After an error before the rename the box is whole; after one
// behind it the box is gone, and what is left lies in .trash for the next sweep.
Status TakeOutBox(const Home& home, const BoxId& id);

}  // namespace boxlite
