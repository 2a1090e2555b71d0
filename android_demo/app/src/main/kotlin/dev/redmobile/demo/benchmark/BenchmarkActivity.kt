package dev.redmobile.demo.benchmark

import android.app.Activity
import android.content.ClipData
import android.content.Intent
import android.os.Bundle
import android.view.View
import android.view.ViewGroup
import android.view.WindowManager
import android.widget.Button
import android.widget.CheckBox
import android.widget.ProgressBar
import android.widget.RadioGroup
import android.widget.TextView
import dev.redmobile.demo.R
import dev.redmobile.demo.engine.Accelerator
import dev.redmobile.demo.ui.HistogramView
import dev.redmobile.demo.ui.Page
import dev.redmobile.demo.ui.shown
import java.io.File

/** Runs a plan, by hand or by `am start` with extras (android_demo/BENCHMARK.md), and shows and shares its result. */
class BenchmarkActivity : Activity() {
    private lateinit var listening: AutoCloseable
    private lateinit var plans: RadioGroup
    private lateinit var units: List<CheckBox>
    private lateinit var unitsSay: TextView
    private lateinit var start: Button
    private lateinit var cancel: Button
    private lateinit var bar: ProgressBar
    private lateinit var says: TextView
    private lateinit var results: Page
    private lateinit var share: Button
    private val charts = ArrayList<Pair<TextView, HistogramView>>()
    private var shownRun: String? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        build()
        if (savedInstanceState == null) obey(intent) else shownRun = savedInstanceState.getString(RUN)
        listening = Benchmark.listen { state -> runOnUiThread { show(state) } }
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putString(RUN, shownRun)
    }

    override fun onDestroy() {
        listening.close()
        super.onDestroy()
    }

    private fun build() {
        val page = Page(this)
        page.text(getString(R.string.benchmark_explained))
        plans = page.choice(PLANS, listOf(R.string.plan_model_latency, R.string.plan_video, R.string.plan_soak).map { getString(it) }, 0) { }
        unitsSay = page.text(getString(R.string.units_explained))
        units = Accelerator.values().map { accelerator ->
            page.add(CheckBox(this)).apply {
                id = UNITS + accelerator.ordinal
                setText(accelerator.words)
                minHeight = Page.dp(context, TOUCHABLE)
                isChecked = accelerator != Accelerator.NNAPI
                setOnCheckedChangeListener { _, _ -> allowStart() }
            }
        }
        start = page.button(R.string.benchmark_start) { startByHand() }
        cancel = page.button(R.string.cancel) { Benchmark.cancel() }
        bar = page.add(ProgressBar(this, null, android.R.attr.progressBarStyleHorizontal))
        bar.max = PERCENT
        says = page.text()
        says.accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE
        share = page.button(R.string.share_json) { share() }
        results = page
        page.showIn(this)
    }

    private fun obey(intent: Intent) {
        val extras = intent.extras ?: return
        if (EXTRAS.none(extras::containsKey)) return
        try {
            Benchmark.start(this, Request.of(extras))
        } catch (error: RequestException) {
            Benchmark.refuse(extras.getString("run_id").orEmpty(), error.message.orEmpty())
        }
    }

    private fun startByHand() {
        val plan = BenchPlan.ALL[plans.checkedRadioButtonId - PLANS]
        Benchmark.start(this, Request(plan, Request.newId(), null, chosen(), listOf(1, Request.defaultThreads()).distinct()))
    }

    private fun chosen(): List<String> = Accelerator.values().filterIndexed { index, _ -> units[index].isChecked }.map { it.id }

    private fun allowStart() {
        start.isEnabled = Benchmark.state !is BenchmarkState.Running && chosen().isNotEmpty()
    }

    private fun show(state: BenchmarkState) {
        val running = state is BenchmarkState.Running
        allowStart()
        (units + plans + unitsSay).forEach { it.shown = !running }
        cancel.shown = running
        bar.shown = running
        when (state) {
            is BenchmarkState.Idle -> showEarlier()
            is BenchmarkState.Running -> {
                shownRun = state.request.runId
                bar.progress = (state.progress * PERCENT).toInt()
                says.text = getString(R.string.benchmark_running, bar.progress)
            }
            is BenchmarkState.Done -> showResult(state.runId, state.file)
            is BenchmarkState.Failed -> says.text = state.sentence
        }
        if (state !is BenchmarkState.Done && state !is BenchmarkState.Idle) clear()
    }

    /** In a process that has measured nothing yet: what the one before it left, which Android may have ended. */
    private fun showEarlier() {
        clear()
        val run = shownRun ?: return
        val file = ResultFiles(this).whole(run)
        if (file.isFile) showResult(run, file) else says.setText(R.string.benchmark_interrupted)
    }

    private fun showResult(run: String, file: File) {
        shownRun = run
        clear()
        says.text = getString(R.string.benchmark_done, file.name)
        share.shown = true
        ResultSummary.read(file).forEach { summary ->
            val words = results.text("${getString(R.string.run_with, summary.ran, summary.threads)}\n${outcome(summary)}\n${times(summary)}")
            val chart = results.add(HistogramView(this))
            chart.show(summary.samples, summary.budget)
            charts += words to chart
        }
    }

    private fun outcome(summary: ResultSummary) = getString(
        when (summary.outcome) {
            "met" -> R.string.outcome_met
            "missed" -> R.string.outcome_missed
            else -> R.string.outcome_not_trusted
        },
        summary.inTime, summary.offered, summary.budget,
    )

    private fun times(summary: ResultSummary) = getString(R.string.percentiles, summary.p50, summary.p90, summary.p99)

    private fun clear() {
        share.shown = false
        charts.forEach { (words, chart) -> listOf(words, chart).forEach { (it.parent as ViewGroup).removeView(it) } }
        charts.clear()
    }

    private fun share() {
        val uri = ResultProvider.uri(this, shownRun ?: return)
        val send = Intent(Intent.ACTION_SEND).setType(ResultProvider.JSON).putExtra(Intent.EXTRA_STREAM, uri)
        send.clipData = ClipData.newRawUri(null, uri)
        send.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        startActivity(Intent.createChooser(send, getString(R.string.share_json)))
    }

    private companion object {
        const val RUN = "run"
        const val PLANS = 1
        const val UNITS = 100
        const val TOUCHABLE = 48
        const val PERCENT = 100
        val EXTRAS = listOf("plan", "run_id", "model", "delegates", "threads", "seconds", "runs", "warm_up", "fps")
    }
}
