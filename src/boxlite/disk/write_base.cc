#include "boxlite/disk/write_base.h"
