// What the other headers of this directory are made of: visibility and the versioned namespace.
#pragma once

#define BOXLITE_API __attribute__((visibility("default")))

// The names are boxlite::Runtime and so on. The inline namespace is part of every symbol, so that a
// program built against another incompatible version fails to link instead of failing to work.
#ifdef BOXLITE_BUILDING_LIBRARY
// Inside the library the same outer namespace holds its own types of the same names.
#define BOXLITE_BEGIN_NAMESPACE namespace boxlite::v0 {
#define BOXLITE_END_NAMESPACE }
#else
#define BOXLITE_BEGIN_NAMESPACE \
  namespace boxlite {           \
  inline namespace v0 {
#define BOXLITE_END_NAMESPACE \
  }                           \
  }
#endif
