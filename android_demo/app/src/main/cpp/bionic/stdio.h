/* Empty: jni.h includes stdio.h and needs nothing of it, and Android's is not here. */
