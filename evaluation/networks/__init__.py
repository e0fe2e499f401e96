"""Reading models of any kind as networks that can be measured."""
