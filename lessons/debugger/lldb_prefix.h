// Read by lldb before every expression.
#define grad() node_.object_->gradient
