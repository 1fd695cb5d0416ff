// Read by lldb before every expression.
#define grad() node_->gradient
