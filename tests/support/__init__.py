"""What tests share: real servers, real kernels, and a look at the processes of this machine."""
