//! Every size, hostile text, many rows.

use super::fake::{World, line, progress};
use super::stage::Stage;
use crate::console::msg::Msg;
use crate::service::messages::Tone;

const PLACES: &[&str] = &[
    "",
    "<enter>",
    "2",
    "3",
    "3<enter>",
    "3jjjjjj<enter>",
    "5",
    "5<enter>",
    "6",
    "6<enter>",
    "?",
    ":run",
    "R",
    "v",
    "<^f>x<enter>",
    "/x",
    "3<enter>e",
    "3<enter>hW",
    "6jjjjjjR",
    "5R",
    "6U",
    "6UU",
    "<^f>two<enter>",
    "<^f>nobody<enter>",
    "3w",
    "6jjjjjj<enter>",
];

/// Sizes around every breakpoint, and a sample of the rest.
fn sizes() -> Vec<(u16, u16)> {
    let mut sizes = Vec::new();
    for width in [
        1, 2, 5, 20, 59, 60, 61, 79, 80, 81, 109, 131, 132, 133, 149, 150, 170, 199, 200, 250,
    ] {
        for height in [
            1, 2, 3, 7, 14, 15, 16, 23, 24, 25, 26, 35, 36, 40, 49, 50, 80,
        ] {
            sizes.push((width, height));
        }
    }
    sizes
}

#[test]
fn every_screen_draws_at_every_size_and_stays_inside() {
    for hostile in [false, true] {
        for (turn, place) in PLACES.iter().enumerate() {
            let world = if hostile {
                World::hostile()
            } else {
                World::full()
            };
            let mut stage = Stage::new(world, 132, 36);
            stage.keys(place);
            if *place == "2" {
                stage.status(|status| status.run = Some(progress(100)));
                stage.send(Msg::Event(line(
                    1,
                    Tone::Ok,
                    "Contact 003",
                    "山田\u{1b}[2J",
                    "phone",
                )));
            }
            // A part of the sizes for each place: every size comes up several times.
            let first = 2 * turn + usize::from(hostile);
            for (width, height) in sizes().into_iter().skip(first % 13).step_by(13) {
                stage.send(Msg::Resize(width, height));
                let frame = stage.frame();
                for area in stage.model.hits.areas() {
                    assert!(
                        area.right() <= width && area.bottom() <= height,
                        "{place} {width}x{height} {area:?}"
                    );
                }
                for cell in &frame.content {
                    assert!(
                        !cell.symbol().chars().any(char::is_control),
                        "{place} {:?}",
                        cell.symbol()
                    );
                }
            }
        }
    }
}

#[test]
fn every_row_of_a_frame_is_exactly_as_wide_as_the_screen() {
    use unicode_width::UnicodeWidthStr;
    for place in PLACES {
        let mut stage = Stage::new(World::hostile(), 132, 36);
        stage.keys(place);
        let frame = stage.frame();
        for y in 0..frame.area.height {
            let mut x = 0;
            while x < frame.area.width {
                let symbol = frame[(x, y)].symbol();
                let wide = symbol.width().max(1) as u16;
                assert!(x + wide <= frame.area.width, "{place} {x} {y} {symbol:?}");
                for covered in 1..wide {
                    assert_eq!(
                        frame[(x + covered, y)].symbol(),
                        "",
                        "{place} {x} {y} {symbol:?}"
                    );
                }
                x += wide;
            }
        }
    }
}

#[test]
fn one_row_and_very_many_rows_can_be_walked() {
    for rows in [0, 1, 100_000] {
        let mut stage = Stage::new(
            World {
                conflicts: rows,
                runs: rows,
                ..World::full()
            },
            80,
            24,
        );
        stage.keys("3jjkG<^u><pgup>g<^d><pgdn>G]<enter>[]<esc>6Gg<pgdn><enter>Gg<esc>");
        stage.text();
    }
}
