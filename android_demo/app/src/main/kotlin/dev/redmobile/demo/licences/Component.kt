package dev.redmobile.demo.licences

/** A work of others that the APK carries. copyright: as its licence wants it repeated; text: a file of assets/licences. */
data class Component(val name: String, val licence: String, val copyright: String, val text: String) {
    companion object {
        private const val APACHE = "apache-2.0.txt"
        private const val TWO_CLAUSES = "bsd-2-clause.txt"
        private const val THREE_CLAUSES = "bsd-3-clause.txt"
        private const val MIT = "mit.txt"

        /** TFLite comes in a library of org.bytedeco:tensorflow-lite, with the works below it compiled in. */
        val ALL = listOf(
            Component("RED-mobile", "Apache-2.0", "Copyright the authors of redmobile", APACHE),
            Component("TensorFlow Lite", "Apache-2.0", "Copyright The TensorFlow Authors", APACHE),
            Component("XNNPACK", "BSD-3-Clause", "Copyright (c) Facebook, Inc. and its affiliates\nCopyright 2019 Google LLC", THREE_CLAUSES),
            Component("KleidiAI", "Apache-2.0", "Copyright Arm Limited and/or its affiliates", APACHE),
            Component(
                "cpuinfo",
                "BSD-2-Clause",
                "Copyright (c) 2017 Facebook Inc.\nCopyright (c) 2012-2017 Georgia Institute of Technology\nCopyright (c) 2010-2012 Marat Dukhan",
                TWO_CLAUSES,
            ),
            Component(
                "pthreadpool",
                "BSD-2-Clause",
                "Copyright 2019 Google LLC\nCopyright (c) 2017 Facebook Inc.\nCopyright (c) 2015-2017 Georgia Institute of Technology",
                TWO_CLAUSES,
            ),
            Component("FP16", "MIT", "Copyright (c) 2017 Facebook Inc.\nCopyright (c) 2017 Georgia Institute of Technology", MIT),
            Component("FXdiv", "MIT", "Copyright (c) 2016 Marat Dukhan", MIT),
            Component("FlatBuffers", "Apache-2.0", "Copyright 2014 Google Inc.", APACHE),
            Component("ruy", "Apache-2.0", "Copyright Google LLC", APACHE),
            Component("gemmlowp", "Apache-2.0", "Copyright The Gemmlowp Authors", APACHE),
            Component("Abseil", "Apache-2.0", "Copyright The Abseil Authors", APACHE),
            Component("FarmHash", "MIT", "Copyright (c) 2014 Google, Inc.", MIT),
            Component("Eigen", "MPL-2.0", "Copyright the authors of Eigen; its source: https://gitlab.com/libeigen/eigen", "mpl-2.0.txt"),
            Component("FFT2D", "FFT2D", "Copyright (C) 1997, 2001 Takuya Ooura", "fft2d.txt"),
            Component("LLVM's libc++", "Apache-2.0 WITH LLVM-exception", "Copyright the authors of the LLVM project", "llvm-exception.txt"),
            Component("JavaCPP", "Apache-2.0", "Copyright (C) 2011-2025 Samuel Audet", APACHE),
            Component("Kotlin", "Apache-2.0", "Copyright JetBrains s.r.o. and Kotlin Programming Language contributors", APACHE),
        )
    }
}
